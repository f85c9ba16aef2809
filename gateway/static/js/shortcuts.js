// "/" puts the cursor into the page's search; Escape and a click elsewhere close an open menu.
const typing = (element) => element.closest("input, textarea, select, [contenteditable]") !== null;

export function enhanceShortcuts() {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeMenus();
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const search = [...document.querySelectorAll("[data-search]")].find((field) => field.offsetParent !== null);
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select();
  });
  document.addEventListener("click", (event) => closeMenus(event.target));
}

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (except && menu.contains(except)) continue;
    const held = menu.contains(document.activeElement);
    menu.open = false;
    if (held && !except) menu.querySelector("summary").focus();
  }
}

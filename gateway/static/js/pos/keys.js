// Everything is done by keyboard, too. Function keys, for they are no text: a scanner or a person typing never presses one by mistake.
export function setUp(actions) {
  document.addEventListener("keydown", (event) => {
    const name = event.key === "Enter" && (event.ctrlKey || event.metaKey) ? "F9" : event.key;
    const action = actions[name];
    if (!action || event.altKey || (event.ctrlKey && event.key !== "Enter") || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    action();
  });
}

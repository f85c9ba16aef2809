// Everything here makes pages quicker to use; every page works without it.
import { enhanceComboboxes } from "./combobox.js";
import { enhanceDialogs } from "./dialog.js";
import { enhanceLines } from "./lines.js";
import { enhancePicks } from "./picks.js";
import { enhanceMergeProgress } from "./progress.js";
import { enhanceForms } from "./forms.js";
import { enhanceShortcuts } from "./shortcuts.js";

enhanceShortcuts();
enhanceForms();
enhanceDialogs();
enhanceComboboxes();
enhanceLines();
enhancePicks();
enhanceMergeProgress();

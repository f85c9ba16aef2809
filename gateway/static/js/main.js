// Everything here makes pages quicker to use; every page works without it.
import { enhanceBenefits } from "./benefits.js";
import { enhanceComboboxes } from "./combobox.js";
import { enhanceCopies } from "./copy.js";
import { enhanceDialogs } from "./dialog.js";
import { enhanceLines } from "./lines.js";
import { enhancePicks } from "./picks.js";
import { enhancePreviews } from "./preview.js";
import { enhancePrints } from "./prints.js";
import { enhanceProgress } from "./progress.js";
import { enhanceDrops } from "./drop.js";
import { enhanceForms } from "./forms.js";
import { enhanceShortcuts } from "./shortcuts.js";
import { enhanceWaits } from "./waits.js";

enhanceShortcuts();
enhanceForms();
enhanceDrops();
enhanceCopies();
enhanceDialogs();
enhanceBenefits();
enhanceComboboxes();
enhanceLines();
enhancePicks();
enhancePreviews();
enhancePrints();
enhanceProgress();
enhanceWaits();

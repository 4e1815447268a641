import { applyTheme } from "./theme";

// Before the first paint, so that a page chosen dark never flashes light.
applyTheme();

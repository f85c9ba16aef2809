// The log-in page stands between two people at one till: whom the first has looked up, the second shall not find.
import { forget } from "./people.js";

if ((await indexedDB.databases?.())?.some((each) => each.name === "onefold-pos")) await forget();

// What the till keeps on the device (README.md says for how long): waiting sales, people seen lately, and a few facts about itself.
const NAME = "onefold-pos";
const VERSION = 1;
let opened;

function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("sales", { keyPath: "key" });
      request.result.createObjectStore("people", { keyPath: "id" });
      request.result.createObjectStore("facts");
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

// Runs `work` in one transaction and gives its answer once that is on the disk.
export async function write(stores, work) {
  const database = await open();
  const transaction = database.transaction(stores, "readwrite", { durability: "strict" });
  const written = new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });
  const answer = await work(...[stores].flat().map((name) => transaction.objectStore(name)));
  await written;
  return answer;
}

export async function all(store) {
  const database = await open();
  return done(database.transaction(store).objectStore(store).getAll());
}

export async function get(store, key) {
  const database = await open();
  return done(database.transaction(store).objectStore(store).get(key));
}

export { done };

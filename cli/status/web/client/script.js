/** The script of the page that `berth status --web` serves: puts what the server sends into its place, and says when nothing comes. */

/** Milliseconds without a word after which the server counts as lost: it speaks every few seconds. */
const silence = 15_000;
/** Milliseconds between two attempts to find it again. */
const pause = 1_000;

/**
 * "3 min ago", as the command has it in its tables.
 * @param {number} at seconds since 1970
 * @param {number} now milliseconds since 1970
 */
function age(at, now) {
  const seconds = Math.max(0, Math.round(now / 1000 - at));
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h ago`;
  return `${Math.round(seconds / 86_400)} days ago`;
}

function begin() {
  /** @type {EventSource | undefined} */
  let source;
  /** @type {number | undefined} */
  let again;
  let heardAt = Date.now();
  /** Milliseconds that the server's clock is ahead of this one. */
  let ahead = 0;

  /** @param {"live" | "lost" | "refused"} state */
  function show(state) {
    for (const one of ["live", "lost", "refused"]) {
      const element = document.getElementById(`link-${one}`);
      if (element) element.hidden = one !== state;
    }
  }

  function countAges() {
    const now = Date.now() + ahead;
    for (const time of document.querySelectorAll(".ago time")) {
      const text = age(Date.parse(time.getAttribute("datetime") ?? "") / 1000, now);
      if (time.textContent !== text) time.textContent = text;
    }
  }

  /** @param {MessageEvent<string>} event what the element with this id is now; what has focus, is open or scrolled stays so */
  function put({ data }) {
    const { id, html } = JSON.parse(data);
    const element = document.getElementById(id);
    if (!element) return;
    Idiomorph.morph(element, html, {
      morphStyle: "outerHTML",
      callbacks: {
        beforeAttributeUpdated: (name, node) => !(name === "open" && node instanceof HTMLDetailsElement),
      },
    });
    countAges();
  }

  /** @param {MessageEvent<string>} event */
  function hear({ data }) {
    heardAt = Date.now();
    ahead = Date.parse(data) - heardAt;
    show("live");
  }

  /** @param {"lost" | "refused"} state */
  function lose(state) {
    const time = document.getElementById("lost-at");
    if (time && document.getElementById("link-lost")?.hidden !== false) {
      const at = new Date(heardAt + ahead).toISOString();
      time.setAttribute("datetime", at);
      time.textContent = `${at.slice(11, 19)} UTC`;
    }
    show(state);
    source?.close();
    source = undefined;
    again ??= setTimeout(connect, pause);
  }

  function connect() {
    clearTimeout(again);
    again = undefined;
    // A page that nobody sees asks for nothing.
    if (source || document.visibilityState === "hidden") return;
    const opened = new EventSource("live");
    source = opened;
    heardAt = Date.now();
    opened.addEventListener("time", hear);
    opened.addEventListener("part", put);
    // It was closed by an answer, or there was none.
    opened.onerror = () => {
      if (source === opened) lose(opened.readyState === EventSource.CLOSED ? "refused" : "lost");
    };
  }

  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") return connect();
    source?.close();
    source = undefined;
  });
  setInterval(() => {
    countAges();
    if (source && Date.now() - heardAt > silence) lose("lost");
  }, 1_000);
  connect();
}

if (typeof document === "object") begin();

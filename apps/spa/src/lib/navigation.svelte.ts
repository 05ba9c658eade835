import { type Route, routeOf } from "./routes.ts";

/** Where the browser is, as the components follow it. */
export class Navigation {
  route = $state<Route>(routeOf(location.pathname));

  constructor() {
    addEventListener("popstate", () => this.#follow());
    document.addEventListener("click", (event) => this.#click(event));
  }

  /** Links to pages of this app change the page here; whatever else a click may mean is left to the browser. */
  #click(event: MouseEvent): void {
    const plain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!plain || event.defaultPrevented || !link || link.origin !== location.origin) return;
    if (link.target !== "" || link.hasAttribute("download")) return;
    event.preventDefault();
    history.pushState(null, "", link.href);
    this.#follow();
  }

  #follow(): void {
    this.route = routeOf(location.pathname);
    scrollTo(0, 0);
  }
}

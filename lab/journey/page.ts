import { hold } from "./steps.ts";

/** A page that answers as it should, as text. */
export async function fetchPage(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  const body = await response.text();
  hold(response.ok, `${url} answered ${response.status}: ${excerpt(body)}`);
  return body;
}

/** The page's first heading, or how it begins. */
export const heading = (page: string): string => /<h1[^>]*>(.*?)<\/h1>/s.exec(page)?.[1] ?? excerpt(page);

const excerpt = (text: string): string => text.replaceAll(/\s+/g, " ").slice(0, 200);

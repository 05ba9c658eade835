/** Whether a URL has no user and no password in it, which would show wherever it is told. */
export const withoutLogin = (url: string): boolean => !/^[a-z0-9]+:\/\/[^/?#]*@/i.test(url);

/** The line the page greets with. Change it and deploy: the smallest possible release. */
export const greeting = "Moored and in service.";

/** Headers of a caller by the name of the service that gets them; `*`: every service of a user's own. Secret. */
export type ServiceHeaders = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** What a run knows of such headers: where they lie sealed, and who gets some. Not secret. */
export interface HeaderClaim {
  ref: string;
  services: readonly string[];
}

export const ANY_SERVICE = '*';

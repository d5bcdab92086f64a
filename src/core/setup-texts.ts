/**
 * Texts that the control process makes and the setup site on the proxy port hands out. In core because neither the policy
 * room, which makes the PAC file, nor the proxy room, which serves it, may know the other.
 */

export interface SetupTexts {
  /** The PAC file; PAC_HERE in it stands for the address by which the client reached us. */
  pac: string;
  /** Configuration profile for Apple devices with the roots; absent when there is none. */
  profile?: string;
  /** Another authority is prepared to follow: whether its root is trusted can be checked too. */
  next?: boolean;
}

/** Stands in a PAC file for the address by which it was fetched; whoever serves the text fills it in. */
export const PAC_HERE = '"%HERE%"';

/** The PAC file as it is served to somebody who reached us at `address` (`host:port`). */
export function pacFor(text: string, address: string): string {
  return text.replace(PAC_HERE, () => JSON.stringify(address));
}

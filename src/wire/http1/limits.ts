/** What one peer may make us hold or do for one message. Beyond a limit the message is `malformed`, never cut. */

export interface Http1Limits {
  /**
   * Octets of one head, and of one trailer section. nginx allows 4 buffers of 8 KiB, Node 16 KiB, Squid 64 KiB.
   * A proxy stands in front of origins of every kind (Kerberos tickets and cookie jars reach 40 KiB), so it must
   * not be the narrowest of them.
   */
  head: number;
  /** Fields in one head or trailer section. Apache allows 100, Squid counts none, Node 2000. */
  fields: number;
  /** Interim (1xx) responses before the final one; a long 102 or 103 series is legitimate, a flood is not. */
  interim: number;
  /** Octets of chunk extensions in one message. Node allows 16 KiB (its answer to CVE-2024-22019). */
  chunkExtensions: number;
}

export const DEFAULT_LIMITS: Http1Limits = {
  head: 64 * 1024,
  fields: 200,
  interim: 64,
  chunkExtensions: 16 * 1024,
};

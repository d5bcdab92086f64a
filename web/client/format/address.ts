/** Listener addresses as another machine would use them. Pure. */

const ANYWHERE = /^(\[::\]|0\.0\.0\.0|\*|)$/;

/**
 * `[::]:8080` and `0.0.0.0:8080` say "every address of this machine": put the name there by which the reader reached
 * the console. Empty text becomes the usual port on that name.
 */
export function reachable(listener: string, hostname: string): string {
  const colon = listener.lastIndexOf(':');
  const host = colon < 0 ? listener : listener.slice(0, colon);
  const port = colon < 0 ? '8080' : listener.slice(colon + 1);
  return `${ANYWHERE.test(host) ? hostname : host}:${port}`;
}

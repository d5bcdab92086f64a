/**
 * Where the time of an exchange went. The record knows two spans: waiting for the origin's first byte, and everything.
 * What is left is moving the bytes of request and response, which are not told apart.
 */
import { duration, percent } from '../format/numbers.ts';

export function Timing({ ms, wait }: { ms: number; wait: number | null }) {
  if (wait === null)
    return <p className="quiet">No response came; the request was given up after {duration(ms)}.</p>;
  const waited = Math.min(wait, ms);
  const moved = ms - waited;
  const whole = Math.max(ms, 1);
  return (
    <div className="timing">
      <div className="timing-bar" aria-hidden="true">
        <span className="timing-wait" style={{ flexGrow: Math.max(waited, whole / 100) * 100 }} />
        <span className="timing-move" style={{ flexGrow: Math.max(moved, whole / 100) * 100 }} />
      </div>
      <ul>
        <li>
          <span className="swatch timing-wait" aria-hidden="true" />
          Waiting for the origin <span className="number">{duration(waited)}</span>
          <span className="fine">{percent(waited, whole)}</span>
        </li>
        <li>
          <span className="swatch timing-move" aria-hidden="true" />
          Moving request and response <span className="number">{duration(moved)}</span>
          <span className="fine">{percent(moved, whole)}</span>
        </li>
      </ul>
    </div>
  );
}

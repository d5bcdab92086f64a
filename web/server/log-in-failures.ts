/** Why a proof of identity is not even looked at now, in the words that every route tells it in. */
import { ApiFailure } from './answer.ts';

export function lockedFailure(waitMs: number): ApiFailure {
  return new ApiFailure(
    'log-in-locked',
    'Too many failed log-ins. Further tries are refused for a while.',
    'Wait, or let an admin run `sightglass user enable NAME`.',
    { retryAfter: Math.ceil(waitMs / 1000) },
  );
}

export function busyFailure(): ApiFailure {
  return new ApiFailure('too-many', 'Too many people log in at this moment.', 'Try again in a few seconds.', {
    retryAfter: 5,
  });
}

/**
 * How much one direction of a connection may hold in memory before its source is paused. Node's default of 16 KiB
 * stops and restarts reading for every TLS record: 256 KiB took an inspected 100 MiB download from 2.1 to 1.5 CPU
 * seconds per GB (medians of three interleaved pairs, one worker), more gains nothing.
 *
 * To be spread into the options of sockets of every kind; node's types know it for some of them only.
 */
export const BUFFERS = { highWaterMark: 256 * 1024 } as const;

/** The dialects that are read by default, in the order in which they are tried. */
import type { Dialect } from '../dialect.ts';
import { native } from './native.ts';
import { sentry } from './sentry.ts';

export const defaultDialects: readonly Dialect[] = [native, sentry];

/** What the readers of flags, environment and file hand to the loader: raw texts with their place, and problems. */

/** One thing wrong with the settings. */
export interface SettingProblem {
  /** The key as it was written. */
  key: string;
  /** `FILE:LINE:COLUMN`, `flag --name`, `variable SIGHTGLASS_NAME` or `default`. */
  where: string;
  message: string;
  /** A setting that was perhaps meant. */
  suggestion: string | null;
}

/** One line for people: where, which key, what, and what was perhaps meant. */
export function problemText(problem: SettingProblem): string {
  const hint = problem.suggestion === null ? '' : ` Did you mean ${problem.suggestion}?`;
  return `${problem.where}: ${problem.key}: ${problem.message}.${hint}`;
}

/** Texts of one setting and where they stand. `split` says whether commas divide them. */
export interface RawValue {
  texts: { text: string; where: string }[];
  where: string;
  base: string;
  split: boolean;
}

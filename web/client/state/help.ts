/** How anything in the console opens the help, at a section of the query language's page (empty: at the beginning). */
import { createContext, useContext } from 'react';

export const HelpContext = createContext<(section: string) => void>(() => undefined);

export function useHelp(): (section: string) => void {
  return useContext(HelpContext);
}

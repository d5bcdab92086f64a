/** How a value anywhere on the traffic page gets into its query: a function in a context, null outside that page. */
import { createContext, useContext } from 'react';

export type Filter = (field: string, value: string, how: 'in' | 'out') => void;
export const FilterContext = createContext<Filter | null>(null);

export function useFilter(): Filter | null {
  return useContext(FilterContext);
}

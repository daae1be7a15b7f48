import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { ConsoleStore } from "../feed/console-store.ts";

export const StoreContext = createContext<ConsoleStore | null>(null);

export function useStore(): ConsoleStore {
  const store = useContext(StoreContext);
  if (store === null) throw new Error("no store around this component");
  return store;
}

/**
 * A bounded map that forgets what was not used lately: two generations. A hit in the old one moves up; when the young
 * one is full it becomes the old one, and what nobody asked for is gone. Never holds more than twice `bound` entries. A
 * look-up costs one or two Map look-ups, which is half of a linked-list LRU.
 */
export class Recent<K, V> {
  private young = new Map<K, V>();
  private old = new Map<K, V>();
  private readonly bound: number;

  constructor(bound: number) {
    this.bound = bound;
  }

  get(key: K): V | undefined {
    const young = this.young.get(key);
    if (young !== undefined) return young;
    const old = this.old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: K, value: V): void {
    if (this.young.size >= this.bound) {
      this.old = this.young;
      this.young = new Map();
    }
    this.young.set(key, value);
  }

  clear(): void {
    this.young.clear();
    this.old.clear();
  }
}

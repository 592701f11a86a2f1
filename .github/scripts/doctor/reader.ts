/** Reads a text from left to right, by patterns. Blanks and line ends before a pattern count for nothing. */
export interface Reader {
  /** What fits here, which is then behind; undefined where it does not fit. */
  take(pattern: RegExp): string | undefined;
  peek(pattern: RegExp): boolean;
  atEnd(): boolean;
  rest(): string;
  mark(): number;
  reset(to: number): void;
}

export function createReader(text: string): Reader {
  let at = 0;
  const skipBlanks = () => {
    while (at < text.length && /\s/.test(text[at] ?? "")) at++;
  };
  const find = (pattern: RegExp) => {
    skipBlanks();
    const sticky = new RegExp(pattern.source, `${pattern.flags}y`);
    sticky.lastIndex = at;
    return sticky.exec(text)?.[0];
  };
  return {
    take(pattern) {
      const found = find(pattern);
      at += found?.length ?? 0;
      return found;
    },
    peek: (pattern) => find(pattern) !== undefined,
    atEnd() {
      skipBlanks();
      return at >= text.length;
    },
    rest: () => text.slice(at),
    mark: () => at,
    reset(to) {
      at = to;
    },
  };
}

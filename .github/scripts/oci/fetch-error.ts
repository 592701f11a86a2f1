/** Why a fetch got no answer, such as ECONNREFUSED or TimeoutError: Node.js has the former in its error's cause. */
export function codeOf(error: unknown): string {
  const { cause, name } = error as Error & { cause?: NodeJS.ErrnoException };
  return cause?.code ?? name;
}

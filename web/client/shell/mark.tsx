/** The sign of the product: a window in a pipe. */
export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path d="M2 16h6.5M23.5 16H30" />
      <circle cx="16" cy="16" r="8" />
      <circle className="mark-eye" cx="16" cy="16" r="3" />
    </svg>
  );
}

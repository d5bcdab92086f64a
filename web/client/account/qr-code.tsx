/** A text as a QR code, drawn as one path: dark on white in both themes, since that is what cameras expect. */
import { useMemo } from 'react';
import encodeQr from 'qr';

export function QrCode({ text, label }: { text: string; label: string }) {
  const { path, size } = useMemo(() => {
    const rows = encodeQr(text, 'raw', { ecc: 'medium', border: 4 });
    const dark = rows.flatMap((row, y) => row.flatMap((on, x) => (on ? [`M${x} ${y}h1v1h-1z`] : [])));
    return { path: dark.join(''), size: rows.length };
  }, [text]);
  return (
    <svg className="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label}>
      <path d={path} />
    </svg>
  );
}

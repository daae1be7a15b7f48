/** Bytes as UTF-8, without a platform's encoder: 1 to 3 a code unit, 4 a surrogate pair. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) continue;
    const isSurrogate = unit >= 0xd800 && unit < 0xe000;
    bytes += unit < 0x800 || isSurrogate ? 1 : 2;
  }
  return bytes;
}

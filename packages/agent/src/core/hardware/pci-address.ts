/** As the kernel writes it, `0000:3b:00.0`: vendors' tools use eight digits and capitals. */
export function kernelPciAddress(address: string): string | null {
  const [, domain, rest] =
    /^([0-9A-F]{4,8}):([0-9A-F]{2}:[0-9A-F]{2}\.[0-7])$/i.exec(address) ?? [];
  if (domain === undefined || rest === undefined) return null;
  return `${domain.slice(-4)}:${rest}`.toLowerCase();
}

/** Markup of one element. Only `element` and `text` make it, so that everything in it is escaped. */
export type Svg = string & { readonly __svg: unique symbol };

export type Attributes = Readonly<Record<string, string | number>>;

/** Numbers are rounded to a tenth of a pixel: nobody sees more, and files stay small. */
export function element(name: string, attributes: Attributes, ...children: readonly Svg[]): Svg {
  const written = Object.entries(attributes).map(([key, value]) => {
    const text = typeof value === "number" ? String(Number(value.toFixed(1))) : escaped(value);
    return ` ${key}="${text}"`;
  });
  const open = `<${name}${written.join("")}`;
  return (children.length === 0 ? `${open}/>` : `${open}>${children.join("")}</${name}>`) as Svg;
}

export function text(content: string, attributes: Attributes): Svg {
  return element("text", attributes, escaped(content) as Svg);
}

/** A picture by itself, on a background of its own, so that it reads on light and dark pages. */
export function picture(
  { width, height, title }: { width: number; height: number; title: string },
  ...children: readonly Svg[]
): string {
  const root = element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: "img",
      "font-family": "system-ui, -apple-system, 'Segoe UI', sans-serif",
      "font-size": 12,
      fill: INK,
    },
    element("title", {}, escaped(title) as Svg),
    element("rect", { width, height, rx: 8, fill: PAPER }),
    ...children,
  );
  return `${root.replaceAll("><", ">\n<")}\n`;
}

export const PAPER = "#ffffff";
export const INK = "#1f2430";
export const MUTED = "#667085";
export const RULE = "#e4e7ec";

function escaped(content: string): string {
  return content
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

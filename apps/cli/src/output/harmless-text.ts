/**
 * Makes text that a task wrote safe to show on a terminal: colours, line ends, tabs and carriage
 * returns stay, and every other control character is shown instead of obeyed. Escape sequences can
 * retitle a window, answer queries into the shell's input and rewrite what was already read.
 */
export class HarmlessText {
  #held = "";

  /** Text may arrive cut anywhere: an escape sequence that could still be a colour is held back. */
  push(text: string): string {
    const all = this.#held + text;
    this.#held = UNFINISHED.exec(all)?.[0] ?? "";
    return makeHarmless(this.#held === "" ? all : all.slice(0, -this.#held.length));
  }

  /** What is still held, at the end. */
  end(): string {
    const rest = makeHarmless(this.#held);
    this.#held = "";
    return rest;
  }
}

/** SGR (ECMA-48 8.3.117): the one family of sequences that only changes looks. */
const COLOUR_OR_CONTROL =
  /\u001b\[[0-9;:]{0,64}m|[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g;
const UNFINISHED = /\u001b(?:\[[0-9;:]{0,64})?$/;

export function makeHarmless(text: string): string {
  return text.replaceAll(COLOUR_OR_CONTROL, (match) => (match.length > 1 ? match : show(match)));
}

function show(control: string): string {
  const code = control.charCodeAt(0);
  return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? "\u2421" : "\ufffd";
}

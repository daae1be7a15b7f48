/** What a counted device may be called, by nodes that have it and by work that asks for it. */
export const DEVICE_NAME = /^[a-zA-Z0-9][-a-zA-Z0-9._/]{0,62}$/;
export const DEVICE_NAME_HELP = "letters, digits, '.', '_', '/' and '-'";
export const DEVICES_MAX = 1_000_000;

import type { ErrorCode } from "@berth/protocol";

/** What an error code is in HTTP. The body says the code itself. */
export function httpStatusOf(code: ErrorCode) {
  switch (code) {
    case "invalid":
    case "spec.invalid":
      return 400;
    case "denied":
      return 403;
    case "not_found":
      return 404;
    case "conflict":
    case "wrong_cluster":
      return 409;
    case "overloaded":
      return 429;
    case "internal":
    case "unknown":
      return 500;
    case "unreachable":
      return 502;
    case "not_leader":
    case "behind":
    case "log.unavailable":
      return 503;
    case "timeout":
      return 504;
    case "log.full":
      return 507;
  }
}

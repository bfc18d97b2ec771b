// Made by scripts/generate_types.py from the server's own types. Not to be edited.

export const CLOSE_CODES: Record<number, string> = {
  "1000": "never",
  "1001": "back_off",
  "1002": "never",
  "1003": "never",
  "1007": "never",
  "1009": "never",
  "1011": "back_off",
  "1012": "back_off",
  "1013": "back_off",
  "4000": "at_once",
  "4001": "at_once",
  "4100": "back_off",
  "4101": "back_off",
  "4102": "back_off",
  "4103": "back_off",
  "4500": "never",
  "4501": "never",
  "4502": "never",
  "4503": "never",
  "4504": "never"
};

export const ERRORS: Record<string, boolean> = {
  "invalid_json": false,
  "invalid_envelope": false,
  "unsupported_version": false,
  "unknown_type": false,
  "unknown_command": false,
  "invalid_args": false,
  "unauthenticated": false,
  "forbidden": false,
  "not_found": false,
  "already_exists": false,
  "conflict": false,
  "too_large": false,
  "limit_exceeded": false,
  "rate_limited": true,
  "unavailable": true,
  "timeout": true,
  "overloaded": true,
  "internal": true
};

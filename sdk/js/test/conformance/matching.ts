// Compares with what a vector expects: objects match by subset, texts with a `$` are patterns. docs/CONFORMANCE.md

export type Json = any;
export type Names = Map<string, Json>;

const CHECKS: Record<string, (got: Json) => boolean> = {
  $any: () => true,
  $absent: (got) => got == null,
  $text: (got) => typeof got === "string" && got !== "",
  $number: (got) => typeof got === "number",
  $time: (got) => typeof got === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(got),
  $schema: (got) => typeof got === "object" && got !== null && ("type" in got || "$ref" in got || "anyOf" in got),
};

const isObject = (value: Json): value is Record<string, Json> => typeof value === "object" && value !== null && !Array.isArray(value);

/** Whether `got` is what `want` describes; captured values are added to `names`. */
export function isMatch(want: Json, got: Json, names: Names): boolean {
  if (typeof want === "string" && want.startsWith("$")) return isOfPattern(want, got, names);
  if (Array.isArray(want)) return Array.isArray(got) && want.length === got.length && want.every((one, i) => isMatch(one, got[i], names));
  if (isObject(want)) {
    return isObject(got) && Object.entries(want).every(([key, value]) =>
      value === null || value === "$absent" ? got[key] == null : key in got && isMatch(value, got[key], names));
  }
  return want === got;
}

function isOfPattern(want: string, got: Json, names: Names): boolean {
  const check = CHECKS[want];
  if (check) return check(got);
  const expected = filledIn(want, names);
  if (expected !== want) return expected === got;
  if (!names.has(want)) names.set(want, got);
  return names.get(want) === got;
}

/** Put captured values in the place of their names, in a copy. */
export function filledIn(value: Json, names: Names): Json {
  if (typeof value === "string") return names.has(value) ? names.get(value) : value.replaceAll("$room", names.get("$room"));
  if (Array.isArray(value)) return value.map((inner) => filledIn(inner, names));
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, filledIn(inner, names)]));
  return value;
}

/** Find every name in a frame that is no pattern. */
export function captures(value: Json): string[] {
  if (typeof value === "string") return value.startsWith("$") && !(value in CHECKS) && !value.startsWith("$room") ? [value] : [];
  return value && typeof value === "object" ? Object.values(value).flatMap(captures) : [];
}

// An independent reader of the records of a wheel, written from the text of the convention and the consumer profiles
// of its schemas, without a look at the implementation in Python. It answers the test vectors about records:
//
//     python spec/run_vectors.py --only parse canonicalize version locate -- node spec/independent_reader/reader.mjs
//
// Node.js 18.14 or later, no dependency. Labels such as F3 are those of the requirements in the text.

import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const MAX_BYTES = 16 * 1024 * 1024; // C8
const MAX_DEPTH = 32; // C8
const UNDERSTOOD = "0.1"; // C9

/** What is wrong with a document, and where. */
class Fault extends Error {
  constructor(path, message) {
    super(message);
    this.path = path;
  }
}

/** The path of a member of an object or a list: `objects[0].crc32`, `header["a.h"]`. */
function below(path, key) {
  if (typeof key === "number") return `${path}[${key}]`;
  if (!/^[\w-]+$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}

// ---- JSON as F3 and C8 have it. JSON.parse knows the grammar, but takes the last of two equal names, rounds numbers,
// ---- and has no bounds; what it would take is looked for before. Such faults are of the whole document.

const COLON = /[ \t\n\r]*:/y;
const NUMBER = /[-0-9.eE+]+/y;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** The value of a document, of its bytes. */
function decode(bytes) {
  if (bytes.length > MAX_BYTES) throw new Fault("", "too large");
  if (!isUtf8(bytes)) throw new Fault("", "not UTF-8");
  const text = bytes.toString("utf-8"); // with a byte order mark, if there is one, which JSON.parse refuses
  try {
    checkTokens(text);
    return JSON.parse(text);
  } catch (error) {
    throw error instanceof SyntaxError ? new Fault("", error.message) : error;
  }
}

/** Refuses what JSON.parse would take. Of a text that is no JSON it may refuse anything or nothing. */
function checkTokens(text) {
  const open = []; // of each object the names, of each list null
  for (let at = 0; at < text.length; ) {
    const mark = text[at];
    if (mark === '"') at = checkString(text, at, open.at(-1));
    else if (mark === "-" || (mark >= "0" && mark <= "9")) at = checkNumber(text, at);
    else {
      at++;
      if (mark === "{" || mark === "[") open.push(mark === "{" ? new Set() : null);
      if (mark === "}" || mark === "]") open.pop();
      if (open.length > MAX_DEPTH) throw new Fault("", "too many levels");
    }
  }
}

function checkString(text, start, names) {
  let end = start + 1; // of the closing mark: a regular expression would want a stack as deep as the string is long
  while (end < text.length && text[end] !== '"') end += text[end] === "\\" ? 2 : 1;
  const value = JSON.parse(text.slice(start, ++end));
  if (LONE_SURROGATE.test(value)) throw new Fault("", "a lone surrogate");
  COLON.lastIndex = end;
  if (COLON.test(text)) {
    if (names?.has(value)) throw new Fault("", `the name ${JSON.stringify(value)} twice`);
    names?.add(value);
  }
  return end;
}

function checkNumber(text, start) {
  NUMBER.lastIndex = start;
  const [token] = NUMBER.exec(text);
  if (/[.eE]/.test(token)) throw new Fault("", "a fraction or an exponent");
  if (!Number.isSafeInteger(Number(token))) throw new Fault("", "no integer up to 2^53 - 1");
  return start + token.length;
}

// ---- Canonical form, F4

/** The order of code points, which UTF-8 keeps. That of JavaScript, by UTF-16 units, puts U+1F600 before U+E000. */
const byCodePoint = (one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other));

/** The canonical text of a value, without the line feed at the end. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const names = Object.keys(value).sort(byCodePoint);
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
}

// ---- Shapes: the keywords of JSON Schema that the consumer profiles use

const TYPES = {
  object: (value) => value !== null && typeof value === "object" && !Array.isArray(value),
  array: Array.isArray,
  string: (value) => typeof value === "string",
  integer: Number.isSafeInteger,
  boolean: (value) => typeof value === "boolean",
  null: (value) => value === null,
};
const same = (value, other) => canonical(value) === canonical(other);
const allDiffer = (values) => new Set(values).size === values.length;

/** A keyword that a value satisfies or not. Of values of another type than its own it says nothing. */
function holds(satisfies, type) {
  const isHeld = (value, wanted) => (type !== undefined && !TYPES[type](value)) || satisfies(value, wanted);
  return (value, wanted, path) =>
    isHeld(value, wanted) ? null : new Fault(path, `not as ${JSON.stringify(wanted)} asks`);
}

/** A keyword about the members of an object or the elements of a list, each with its name or index. */
function each(type, faultOf) {
  return (value, wanted, path, schema, root) =>
    TYPES[type](value) ? first(Object.keys(value), (key) => faultOf(value, key, wanted, path, schema, root)) : null;
}

/** The first fault of what a list gives, or null. */
function first(list, faultOf) {
  for (const one of list) {
    const found = faultOf(one);
    if (found !== null) return found;
  }
  return null;
}

/** Where all alternatives fail, the fault that lies deepest: there the value is most like what it should be. */
function alternatives(suffices) {
  return (value, schemas, path, _, root) => {
    const faults = schemas.map((schema) => faultBy(schema, value, path, root)).filter((found) => found !== null);
    if (suffices(schemas.length - faults.length)) return null;
    return [...faults, new Fault(path, "no alternative fits")].sort((a, b) => b.path.length - a.path.length)[0];
  };
}

/** A flag that is contradicted by what stands beside it is itself at fault (F7, B15); else what the branch names is. */
function conditional(value, condition, path, { then: yes = true, else: no = true }, root) {
  const found = faultBy(faultBy(condition, value, path, root) === null ? yes : no, value, path, root);
  const [[name, flag]] = Object.entries(condition.properties);
  return found !== null && flag.const === true ? new Fault(below(path, name), `contradicted at ${found.path}`) : found;
}

/** Keyword -> (value, what the keyword asks, path, the schema that it stands in, the whole schema) -> Fault or null. */
const KEYWORDS = {
  type: holds((value, types) => [types].flat().some((type) => TYPES[type](value))),
  const: holds(same),
  enum: holds((value, allowed) => allowed.some((one) => same(one, value))),
  minimum: holds((value, least) => value >= least, "integer"),
  maximum: holds((value, most) => value <= most, "integer"),
  minLength: holds((value, least) => Array.from(value).length >= least, "string"),
  pattern: holds((value, pattern) => new RegExp(pattern, "u").test(value), "string"),
  minItems: holds((value, least) => value.length >= least, "array"),
  maxItems: holds((value, most) => value.length <= most, "array"),
  uniqueItems: holds((value) => allDiffer(value.map(canonical)), "array"),
  minProperties: holds((value, least) => Object.keys(value).length >= least, "object"),
  required: (value, names, path) => {
    const missing = TYPES.object(value) ? names.find((name) => !Object.hasOwn(value, name)) : undefined;
    return missing === undefined ? null : new Fault(below(path, missing), "missing");
  },
  propertyNames: each("object", (_, name, schema, path, __, root) => faultBy(schema, name, below(path, name), root)),
  properties: each("object", (value, name, schemas, path, _, root) =>
    Object.hasOwn(schemas, name) ? faultBy(schemas[name], value[name], below(path, name), root) : null),
  additionalProperties: each("object", (value, name, schema, path, { properties = {} }, root) =>
    Object.hasOwn(properties, name) ? null : faultBy(schema, value[name], below(path, name), root)),
  // A list with prefixItems is a row of a table, such as a symbol: a fault in it is one of the row.
  prefixItems: each("array", (value, index, schemas, path, _, root) =>
    faultBy(schemas[index] ?? true, value[index], path, root)),
  items: each("array", (value, index, schema, path, { prefixItems: row }, root) =>
    row?.[index] === undefined ? faultBy(schema, value[index], row ? path : below(path, Number(index)), root) : null),
  allOf: (value, schemas, path, _, root) => first(schemas, (schema) => faultBy(schema, value, path, root)),
  anyOf: alternatives((fitting) => fitting > 0),
  oneOf: alternatives((fitting) => fitting === 1),
  if: conditional,
  $ref: (value, target, path, _, root) => faultBy(root.$defs[target.slice("#/$defs/".length)], value, path, root),
};
const ASKS_NOTHING = new Set(["$schema", "$id", "$comment", "$defs", "title", "description", "then", "else"]);

/** The first fault of a value by a schema, or null. A keyword that the table lacks ends the program. */
function faultBy(schema, value, path, root) {
  if (typeof schema === "boolean") return schema ? null : new Fault(path, "too much");
  const keywords = Object.keys(schema).filter((keyword) => !ASKS_NOTHING.has(keyword));
  return first(keywords, (keyword) => KEYWORDS[keyword](value, schema[keyword], path, schema, root));
}

// ---- Documents

/** The names of a document's file: while a draft, and as proposed. F1, B1, S1, T1 */
const namesOf = (document) => [`wheel_abi_${document.replace(/^abi_/, "")}.json`, `${document}.json`];

/** The shape that C10 speaks of. */
const profileOf = (document) =>
  JSON.parse(readFileSync(new URL(`../schemas/${document}-${UNDERSTOOD}.consumer.schema.json`, import.meta.url)));

/** What the text asks of lists and no schema can say: F11, B11. The first fault, or null. */
function faultOfLists(document, value) {
  if (document === "abi_fingerprint") {
    return first(["provides", "requires", "series"], (list) =>
      allDiffer(value[list].map((entry) => entry.interface)) ? null : new Fault(list, "an interface twice"));
  }
  if (document !== "build_inputs") return null;
  const path = "build_definition.resolvedDependencies";
  const dependencies = value.build_definition.resolvedDependencies;
  if (!allDiffer(dependencies.map(({ name }) => name))) return new Fault(path, "a distribution twice");
  return first(dependencies.entries(), ([index, { name, uri }]) =>
    uri.startsWith(`pkg:pypi/${name}@`) ? null : new Fault(`${path}[${index}].uri`, "of another distribution"));
}

/** Whether a version is understood. C9: of drafts only the very same. */
function isUnderstood(version) {
  if (typeof version !== "string") throw new Fault("schema_version", "no version");
  return version === UNDERSTOOD;
}

/** The value of a document, or null if its version is not understood. */
function read(document, bytes) {
  const value = decode(bytes);
  if (!TYPES.object(value)) throw new Fault("", "not an object");
  if (!isUnderstood(value.schema_version)) return null;
  const profile = profileOf(document);
  const found = faultBy(profile, value, "", profile) ?? faultOfLists(document, value);
  if (found !== null) throw found;
  return value;
}

// ---- A document in its wheel: members is a Map of path -> bytes

/** C11: members of which none is there twice. */
function once(pairs) {
  const map = new Map(pairs);
  if (map.size < pairs.length) throw new Fault("members", "a member twice");
  return map;
}

const ROW = /(?:"([^"]*(?:""[^"]*){0,99})"|([^",\r\n]*)),"?([^",\r\n]*)"?,"?[0-9]*"?(?:[\r\n]+|$)/gy;

/** RECORD, which is CSV of three fields, as path -> digest; the digest is "" where it has none. */
function digestsOf(record) {
  const text = record.toString("utf-8");
  const rows = Array.from(text.matchAll(ROW));
  const read = rows.reduce((length, [row]) => length + row.length, 0);
  if (read < text.length) throw new Fault("members", "a RECORD that cannot be read");
  return once(rows.map(([, quoted, plain, digest]) => [plain ?? quoted.replaceAll('""', '"'), digest]));
}

/** C2: whether a digest of RECORD is one, and of these bytes. */
function fits(digest, bytes) {
  const algorithm = /^(sha256|sha384|sha512)=/.exec(digest ?? "")?.[1];
  return algorithm && digest === `${algorithm}=${createHash(algorithm).update(bytes).digest("base64url")}`;
}

/** F12: whether a member is a binary, by how it begins. */
function isBinary(bytes) {
  if (bytes.length <= 8) return false;
  const magic = bytes.readUInt32BE(0);
  if ([0x7f454c46, 0xfeedface, 0xcefaedfe, 0xfeedfacf, 0xcffaedfe, 0xcafebabf, 0x0061736d].includes(magic)) return true;
  if (magic === 0xcafebabe) return bytes.readUInt32BE(4) < 32;
  if ([0x01df00, 0x01f700].includes(magic >>> 8)) return true;
  if (magic >>> 16 !== 0x4d5a) return false;
  if (bytes.length < 64) return true;
  const start = bytes.readUInt32LE(0x3c);
  if (start + 4 <= Math.min(bytes.length, 1024)) return bytes.readUInt32BE(start) === 0x50450000;
  return start < 2 ** 28;
}

const CRC_TABLE = Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});
const crc32 = (bytes) => ~bytes.reduce((crc, byte) => CRC_TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8), ~0) >>> 0;

/** Whether an entry is of the bytes that the wheel has at its path. */
function describes({ path, digest, size, crc32: crc }, members, digests) {
  const bytes = members.get(path);
  return bytes !== undefined && (digests.get(path) || null) === digest && bytes.length === size && crc32(bytes) === crc;
}

const FOR_BUILDS = /\.(pxd|pxi|h|hh|hpp|hxx|h\+\+|inc|inl|ipp|tpp|tcc|cuh|def|a|lib|pc|cmake|sip|i)$/i;
const NOT_FOR_BUILDS = /\.(py|pyc|pyi|so|md|rst|txt|html|json)$/i;
const isInterfaceFile = (path) =>
  !path.includes(".libs/") &&
  !path.endsWith("/") &&
  (FOR_BUILDS.test(path) || (/(^|\/)(include|headers)\//.test(path) && !NOT_FOR_BUILDS.test(path)));

/** F13: what a wheel has to provide as `header`: how many interface files, and their digest. */
function headerOf(members, digests) {
  const installed = (path) => path.replace(/^[^/]+\.data\/((purelib|platlib)\/)?/, "");
  const paths = [...members.keys()].filter(isInterfaceFile);
  const lines = paths.map((path) => `${installed(path)} ${digests.get(path) ?? ""}\n`).sort(byCodePoint);
  return { files: lines.length, digest: createHash("sha256").update(lines.join("")).digest("hex") };
}

/** C3: whether a fingerprint is of the binaries and the interface files of a wheel, entries of `objects` left out. */
function isOfThisWheel({ objects, unread, interfaces, provides }, members, digests) {
  const listed = new Set([...objects, ...unread].map(({ path }) => path));
  const binaries = [...members.keys()].filter((path) => isBinary(members.get(path)));
  if (binaries.length !== listed.size || !binaries.every((path) => listed.has(path))) return false;
  if (!interfaces.includes("header")) return true;
  const { files, digest } = headerOf(members, digests);
  const facts = provides.find((entry) => entry.interface === "header")?.facts ?? { files: 0, digest };
  return facts.files === files && facts.digest === digest;
}

/** The state of a document that was read and that RECORD vouches for. */
function stateBeside(members, digests, document, value) {
  if (document === "build_inputs") return "usable"; // B4
  const isBound = value.objects.every((entry) => describes(entry, members, digests)); // C3, S3, T5 (no build-ids are read)
  const isWhole = document !== "abi_fingerprint" || isOfThisWheel(value, members, digests);
  return isBound && isWhole ? "usable" : "stale";
}

/** C11: the one directory of metadata of a wheel. */
function distInfo(members) {
  const tops = new Set([...members.keys()].map((path) => path.split("/", 1)[0]));
  const [directory, ...more] = [...tops].filter((top) => top.endsWith(".dist-info"));
  if (more.length > 0 || !members.has(`${directory}/RECORD`)) throw new Fault("members", "not one RECORD");
  return directory;
}

/** What a reader may do with a document of a wheel. */
function stateOf(document, members) {
  const directory = distInfo(members);
  const digests = digestsOf(members.get(`${directory}/RECORD`));
  const before = document === "abi_symbols" ? stateOf("abi_fingerprint", members) : "usable"; // S3
  if (before !== "usable") return before;
  const paths = namesOf(document).map((name) => `${directory}/${name}`).filter((path) => members.has(path));
  if (paths.length === 0) return "absent";
  const [bytes, other = bytes] = paths.map((path) => members.get(path));
  if (!bytes.equals(other) || !paths.every((path) => fits(digests.get(path), bytes))) return "unusable"; // C2
  let value;
  try {
    value = read(document, bytes);
  } catch (error) {
    if (error instanceof Fault) return "unusable"; // C10
    throw error;
  }
  return value === null ? "not understood" : stateBeside(members, digests, document, value);
}

// ---- The protocol of run_vectors.py: a line with a test, a line with the answer

const bytesOf = ({ base64, text, json }) =>
  base64 !== undefined ? Buffer.from(base64, "base64") : Buffer.from(text ?? JSON.stringify(json), "utf-8");

const ANSWERS = {
  parse: ({ document, data }) => ({ understood: read(document, bytesOf(data)) !== null }),
  canonicalize: ({ data }) => ({ text: `${canonical(decode(bytesOf(data)))}\n` }),
  version: ({ schema_version: version }) => ({ understood: isUnderstood(version) }),
  locate: ({ document, members }) => {
    const contents = members.map(({ path, data }) => [path, bytesOf(data)]);
    return { state: stateOf(document, once(contents)) };
  },
};

function answer({ id, test_type: type, input }) {
  if (!Object.hasOwn(ANSWERS, type)) return { id, unsupported: true };
  try {
    return { id, output: ANSWERS[type](input) };
  } catch (error) {
    if (error instanceof Fault) return { id, failure: { path: error.path, message: error.message } };
    throw error;
  }
}

let waiting = ""; // node:readline is not used: it ends lines at U+2028, too, which may stand in a string of JSON
process.stdin.setEncoding("utf-8");
for await (const chunk of process.stdin) {
  waiting += chunk;
  if (!chunk.includes("\n")) continue; // a long line comes in many chunks, and is searched once
  const lines = waiting.split("\n");
  waiting = lines.pop();
  for (const line of lines) process.stdout.write(`${JSON.stringify(answer(JSON.parse(line)))}\n`);
}

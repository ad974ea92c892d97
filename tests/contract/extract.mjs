// Writes bot_api.json: the parameters of all Bot API methods, from a TypeScript package of types.
//
// Run it in an empty folder, after `npm install typescript@5 @grammyjs/types`:
//   node extract.mjs > bot_api.json
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.cwd(), "package.json"));
const ts = require("typescript");
const folder = join(process.cwd(), "node_modules/@grammyjs/types");
const program = ts.createProgram([join(folder, "methods.d.ts")], { strict: true });
const checker = program.getTypeChecker();
const source = program.getSourceFile(join(folder, "methods.d.ts"));
const methods = source.statements.find((one) => one.name?.text === "ApiMethods");
const types = {};

function describe(type) {
  if (type.isUnion()) return type.aliasSymbol ? named(type, union) : union(type);
  if (type.isStringLiteral() || type.isNumberLiteral()) return { const: type.value };
  if (type.flags & ts.TypeFlags.BooleanLiteral) return { const: type.intrinsicName === "true" };
  if (type.flags & ts.TypeFlags.StringLike) return { type: "string" };
  if (type.flags & ts.TypeFlags.NumberLike) return { type: "number" };
  if (type.flags & ts.TypeFlags.BooleanLike) return { type: "boolean" };
  if (type.flags & ts.TypeFlags.TypeParameter) return { type: "file" };
  if (checker.isArrayLikeType(type)) {
    const [item] = checker.getTypeArguments(type);
    return { items: item ? describe(item) : {} };
  }
  if (type.isIntersection()) {
    // `F & {}` is a file, and `string & {}` a string.
    if (type.types.some((part) => part.flags & ts.TypeFlags.TypeParameter)) return { type: "file" };
    if (type.types.some((part) => part.flags & ts.TypeFlags.StringLike)) return { type: "string" };
  }
  if (!(type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection))) return {};
  return named(type, (object) => ({ fields: fields(object) }));
}

// Types may contain themselves, so each is described once, by its name.
function named(type, describeIt) {
  const name = checker.typeToString(type, undefined, ts.TypeFormatFlags.NoTruncation);
  if (!(name in types)) {
    types[name] = {};
    types[name] = describeIt(type);
  }
  return { ref: name };
}

function union(type) {
  const parts = new Set(type.types.map((part) => JSON.stringify(describe(part))));
  return { anyOf: [...parts].sort().map((part) => JSON.parse(part)) };
}

function fields(type) {
  const found = {};
  for (const property of checker.getPropertiesOfType(type)) {
    const isOptional = Boolean(property.flags & ts.SymbolFlags.Optional);
    const own = checker.getNonNullableType(checker.getTypeOfSymbol(property));
    found[property.name] = { required: !isOptional, ...describe(own) };
  }
  return found;
}

const result = {};
for (const method of checker.getPropertiesOfType(checker.getTypeAtLocation(methods))) {
  const [signature] = checker.getTypeOfSymbol(method).getCallSignatures();
  const [parameter] = signature.getParameters();
  const type = parameter && checker.getNonNullableType(checker.getTypeOfSymbol(parameter));
  result[method.name] = type ? fields(type) : {};
}
const { name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

function lines(map) {
  const entries = Object.entries(map).sort(([one], [other]) => (one < other ? -1 : 1));
  const texts = entries.map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`);
  return `{\n${texts.join(",\n")}\n}`;
}

process.stdout.write(
  `{"source": "${name} ${version}",\n"methods": ${lines(result)},\n"types": ${lines(types)}}\n`,
);

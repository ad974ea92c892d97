// Writes bot_api.json: parameters and results of all Bot API methods, and updates, from a TypeScript
// package of types.
//
// Run it in an empty folder, after `npm install typescript@5 @grammyjs/types`:
//   node extract.mjs > bot_api.json
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.cwd(), "package.json"));
const ts = require("typescript");
const folder = join(process.cwd(), "node_modules/@grammyjs/types");
const files = ["methods.d.ts", "update.d.ts", "api.d.ts"].map((name) => join(folder, name));
const program = ts.createProgram(files, { strict: true });
const checker = program.getTypeChecker();
const types = {};
const namesByType = new Map();

function declared(file, name) {
  const source = program.getSourceFile(join(folder, file));
  const statement = source.statements.find(
    (one) => one.name?.text === name && !ts.isModuleDeclaration(one),
  );
  return checker.getTypeAtLocation(statement);
}

function describe(type) {
  if (type.flags & ts.TypeFlags.Boolean) return { type: "boolean" };
  if (type.isUnion()) return type.aliasSymbol ? named(type, union) : union(type);
  if (type.isStringLiteral() || type.isNumberLiteral()) return { const: type.value };
  if (type.flags & ts.TypeFlags.BooleanLiteral) return { const: type.intrinsicName === "true" };
  if (type.flags & ts.TypeFlags.StringLike) return { type: "string" };
  if (type.flags & ts.TypeFlags.NumberLike) return { type: "number" };
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

// Types may contain themselves, so each is described once, by its name. Those of two namespaces may
// have the same name.
function named(type, describeIt) {
  if (!namesByType.has(type)) {
    const name = checker.typeToString(type, undefined, ts.TypeFormatFlags.NoTruncation);
    let free = name;
    for (let number = 2; free in types; number += 1) free = `${name} (${number})`;
    namesByType.set(type, free);
    types[free] = {};
    types[free] = describeIt(type);
  }
  return { ref: namesByType.get(type) };
}

function union(type) {
  const described = type.types.map((part) => JSON.stringify(describe(part)));
  const parts = [...new Set(described)].sort().map((part) => JSON.parse(part));
  const isWhole = [true, false].every((value) => parts.some((part) => part.const === value));
  const others = parts.filter((part) => typeof part.const !== "boolean");
  if (!isWhole) return { anyOf: parts };
  return others.length ? { anyOf: [{ type: "boolean" }, ...others] } : { type: "boolean" };
}

function fields(type) {
  const found = {};
  for (const property of checker.getPropertiesOfType(type)) {
    const own = checker.getNonNullableType(checker.getTypeOfSymbol(property));
    // Declared as `undefined`: objects of this type do not have it.
    if (own.flags & ts.TypeFlags.Never) continue;
    const isOptional = Boolean(property.flags & ts.SymbolFlags.Optional);
    found[property.name] = { ...(isOptional ? {} : { required: true }), ...describe(own) };
  }
  return found;
}

const methods = {};
const results = {};
for (const method of checker.getPropertiesOfType(declared("methods.d.ts", "ApiMethods"))) {
  const [signature] = checker.getTypeOfSymbol(method).getCallSignatures();
  const [parameter] = signature.getParameters();
  const type = parameter && checker.getNonNullableType(checker.getTypeOfSymbol(parameter));
  methods[method.name] = type ? fields(type) : {};
  results[method.name] = describe(signature.getReturnType());
}
const update = describe(declared("update.d.ts", "Update"));
const error = describe(declared("api.d.ts", "ApiError"));
const { name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

function lines(map) {
  const entries = Object.entries(map).sort(([one], [other]) => (one < other ? -1 : 1));
  const texts = entries.map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`);
  return `{\n${texts.join(",\n")}\n}`;
}

process.stdout.write(
  `{"source": "${name} ${version}",\n"methods": ${lines(methods)},\n"results": ${lines(results)},\n` +
    `"update": ${JSON.stringify(update)},\n"error": ${JSON.stringify(error)},\n` +
    `"types": ${lines(types)}}\n`,
);

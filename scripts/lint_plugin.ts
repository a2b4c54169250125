// Deno lint rules of this project: one-way imports and injected effects (the decisions are in layering.ts), and copies
// that are some.
import { globalProblem, importProblem, moduleProblem } from "./layering.ts";

const root = new URL("..", import.meta.url).pathname;

function projectPath(filename: string): string {
  return filename.startsWith(root) ? filename.slice(root.length) : filename;
}

/** The project path that a relative specifier means, or null for a package. */
function resolved(filename: string, specifier: string): string | null {
  if (!specifier.startsWith(".")) return null;
  return projectPath(new URL(specifier, `file://${filename}`).pathname);
}

function checkSpecifier(
  context: Deno.lint.RuleContext,
  node:
    | Deno.lint.ImportDeclaration
    | Deno.lint.ExportNamedDeclaration
    | Deno.lint.ExportAllDeclaration,
): void {
  const specifier = node.source?.value;
  if (typeof specifier !== "string") return;
  const file = projectPath(context.filename);
  const target = resolved(context.filename, specifier);
  const isTypeOnly = "importKind" in node && node.importKind === "type";
  const message = target !== null
    ? importProblem(file, target)
    : isTypeOnly
    ? null
    : moduleProblem(file, specifier);
  if (message) context.report({ node, message });
}

const plugin: Deno.lint.Plugin = {
  name: "roquet",
  rules: {
    "one-way-imports": {
      create: (context) => ({
        ImportDeclaration: (node) => checkSpecifier(context, node),
        ExportNamedDeclaration: (node) => checkSpecifier(context, node),
        ExportAllDeclaration: (node) => checkSpecifier(context, node),
      }),
    },
    "injected-effects": {
      create: (context) => ({
        MemberExpression(node) {
          if (node.object.type !== "Identifier" || node.property.type !== "Identifier") return;
          const message = globalProblem(
            projectPath(context.filename),
            `${node.object.name}.${node.property.name}`,
          );
          if (message) context.report({ node, message });
        },
        CallExpression(node) {
          if (node.callee.type !== "Identifier") return;
          const message = globalProblem(projectPath(context.filename), node.callee.name);
          if (message) context.report({ node, message });
        },
      }),
    },
    "true-copies": {
      create: (context) => ({
        CallExpression(node) {
          const { callee } = node;
          if (callee.type !== "MemberExpression" || callee.property.type !== "Identifier") return;
          if (callee.property.name !== "slice" || node.arguments.length > 0) return;
          const message = "slice() of a Buffer is a view: copyOf (core/bytes/copy.ts), or a spread";
          context.report({ node, message });
        },
      }),
    },
  },
};

export default plugin;

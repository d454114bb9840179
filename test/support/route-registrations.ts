import ts from 'typescript';

const verbs = new Set(['get', 'post', 'put', 'patch', 'delete', 'head', 'options', 'all', 'route']);

/** Whether a call is of the form by which Fastify registers a route: `http.get('/path', …)` or `http.route({ url, … })`. */
function registersRoute({ expression, arguments: args }: ts.CallExpression): boolean {
  if (!ts.isPropertyAccessExpression(expression) || !verbs.has(expression.name.text)) return false;
  const [first] = args;
  if (!first) return false;
  if (ts.isStringLiteralLike(first) || ts.isTemplateExpression(first))
    return first.getText().charAt(1) === '/';
  return (
    ts.isObjectLiteralExpression(first) &&
    first.properties.some((property) => ['url', 'method'].includes(property.name?.getText() ?? ''))
  );
}

/** Each registration of a route in a file, as the text of what is called. */
export function routeRegistrations(path: string, text: string): string[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && registersRoute(node)) found.push(node.expression.getText());
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

// A Python file that a script imports is its text (esbuild, --loader:.py=text).
declare module "*.py" {
  const text: string;
  export default text;
}

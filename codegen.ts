// `npm run codegen`: what is generated from the composed API schema. The client's types are the console's own matter.
export { default } from './web/codegen.js';

export { addDemoItems } from './add-demo-items.ts';

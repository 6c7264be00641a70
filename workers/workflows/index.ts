// The registry: what is exported here exists as a workflow type.
export { api_request_workflow } from './api_request_workflow.js';
export { async_request_workflow } from './async_request_workflow.js';
export { error_recovery_workflow } from './error_recovery_workflow.js';
export { multi_service_orchestration_workflow } from './multi_service_orchestration_workflow.js';
export { plugin_installation_workflow } from './plugin_installation_workflow.js';
export { supergraph_coordinator_workflow } from './supergraph_coordinator_workflow.js';
export { webhook_delivery_workflow } from './webhook_delivery_workflow.js';

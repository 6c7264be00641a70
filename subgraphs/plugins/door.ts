import type { AuthContext } from '#schema/contracts/identity';
import type { OperationFacts, OperationStatus } from '#schema/contracts/operations';
import type { PluginInstallationRequest } from '#schema/contracts/plugins';

/** What this service needs of durable work; `DurableClient` of workers/client has it. */
export interface PluginDoor {
  /** @throws OPERATION_IN_PROGRESS with `details.operationId` */
  start(
    name: 'plugin_installation_workflow',
    args: [PluginInstallationRequest, AuthContext],
    options: { workflowId: string; facts: OperationFacts; taskQueue: string },
  ): Promise<{ operationId: string }>;
  /** The newest run of that workflow id, whether it has ended or not. */
  findNewest(workflowId: string): Promise<{ id: string; facts: OperationFacts; status: OperationStatus } | undefined>;
  describe(id: string): Promise<{ facts: OperationFacts } | undefined>;
}

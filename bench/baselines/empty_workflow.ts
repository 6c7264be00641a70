/** Does nothing: the floor of what any durable run costs on this server. */
export async function empty_workflow(): Promise<void> {
  return Promise.resolve();
}

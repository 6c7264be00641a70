// Its defaults for production, with or without one answer for equal requests that wait at the same time.
import { defineConfig } from '@graphql-hive/gateway';

export const gatewayConfig = defineConfig({
  inboundInflightRequestDeduplication: process.env.SHARE_REQUESTS === 'true',
});

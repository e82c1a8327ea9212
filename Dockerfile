# Two stages: the first installs what package-lock.json names, the second holds only that and the sources.
FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts

FROM node:24-slim
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY schema ./schema
COPY receiver ./receiver
COPY processor ./processor
COPY exporter ./exporter
COPY service ./service
# 1000 is the image's user `node`.
RUN mkdir /data && chown 1000:1000 /data
USER 1000:1000
VOLUME /data
ENV NODE_ENV=production
# In a container localhost is nobody's; the SQL door stays on the container's own loopback (SECURITY.md).
ENV FINISHLINE_BIND=0.0.0.0
EXPOSE 4317 4318 8090
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["node", "-e", "fetch('http://127.0.0.1:8090/ready').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
CMD ["node", "--min-semi-space-size=64", "--max-semi-space-size=128", "--max-inlined-bytecode-size-cumulative=1200", "service/main.ts", "--set", "service.storage.directory=/data"]

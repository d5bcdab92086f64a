/** What is shipped under deploy/ agrees with the product: settings exist, ports match, documents can be read. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { SETTING_NAMES, variableOf } from '../../src/settings/catalogue.ts';
import { loadSettings } from '../../src/settings/load.ts';
import { ROOT, read, tree } from './tree.ts';

const files = tree().filter(file => file.startsWith('deploy/'));
const variables = new Set([...SETTING_NAMES.map(variableOf), 'SIGHTGLASS_CONFIG']);

interface Named {
  kind: string;
  metadata: { name: string };
  spec: Record<string, unknown>;
}

describe('deploy', () => {
  it('names only settings that there are', () => {
    let named = 0;
    for (const file of files)
      for (const [variable] of read(file).matchAll(/\bSIGHTGLASS_[A-Z_]+\b/g)) {
        assert.ok(variables.has(variable), `${file}: ${variable}`);
        named++;
      }
    assert.ok(named > 8);
    assert.ok(loadSettings({ file: join(ROOT, 'deploy/debian/sightglass.yaml'), env: { HOME: '/' } }));
  });

  it('has a container whose values are accepted, that runs as nobody special and looks at its own health', () => {
    const text = read('deploy/container/Containerfile');
    const env: Record<string, string> = Object.fromEntries(
      [...text.matchAll(/\b(SIGHTGLASS_[A-Z_]+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]),
    );
    const settings = loadSettings({ env: { ...env, HOME: '/' } });
    const ports = [...settings['proxy.listen'], ...settings['console.listen'], ...settings['metrics.listen']];
    assert.deepEqual(
      /^EXPOSE (.*)$/m.exec(text)?.[1]?.split(' ').map(Number),
      ports.map(at => at.port),
    );
    assert.match(text, /^USER 10001:10001$/m);
    assert.ok(text.includes(`http://127.0.0.1:${settings['metrics.listen'][0]?.port ?? 0}/readyz`));
    for (const [, from = ''] of text.matchAll(/^COPY --from=build \/src\/(\S+)/gm))
      assert.ok(from === 'dist' || existsSync(join(ROOT, from)), from);
  });

  it('has Kubernetes manifests that refer to each other rightly', () => {
    const documents = parseAllDocuments(read('deploy/kubernetes/sightglass.yaml'));
    for (const document of documents) assert.deepEqual([...document.errors, ...document.warnings], []);
    const objects = documents.map(document => document.toJS() as unknown as Named);
    const of = (kind: string): Named => {
      const found = objects.find(o => o.kind === kind);
      assert.ok(found, kind);
      return found;
    };
    const set = of('StatefulSet');
    const pod = (set.spec['template'] as { spec: Record<string, unknown> }).spec;
    const [container] = pod['containers'] as {
      ports: { name: string }[];
      volumeMounts: { name: string }[];
      securityContext: object;
    }[];
    assert.ok(container);
    const ports = new Set(container.ports.map(p => p.name));
    for (const service of objects.filter(o => o.kind === 'Service'))
      for (const { targetPort } of service.spec['ports'] as { targetPort: string }[])
        assert.ok(ports.has(targetPort));
    const volumes = new Set([
      ...(pod['volumes'] as { name: string }[]).map(v => v.name),
      ...(set.spec['volumeClaimTemplates'] as Named[]).map(v => v.metadata.name),
    ]);
    for (const { name } of container.volumeMounts) assert.ok(volumes.has(name), name);
    assert.deepEqual(container.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    const scaled = of('HorizontalPodAutoscaler').spec['scaleTargetRef'] as { kind: string; name: string };
    assert.deepEqual([scaled.kind, scaled.name], [set.kind, set.metadata.name]);
    const policy = (of('ConfigMap') as unknown as { data: Record<string, string> }).data['policy.yaml'];
    assert.equal((parse(policy ?? '') as { version: number }).version, 1);
  });

  it('has shell scripts that the shell can read, and a service definition that is XML', () => {
    const scripts = files.filter(file => read(file).startsWith('#!/bin/sh'));
    assert.ok(scripts.length >= 4);
    for (const file of scripts) execFileSync('shellcheck', ['-s', 'sh', join(ROOT, file)]);
    execFileSync('xmllint', ['--noout', join(ROOT, 'deploy/windows/sightglass-service.xml')]);
  });
});

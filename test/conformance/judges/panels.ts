import type { Environment } from '../../cluster/places.ts';
import type { ToolName } from '../requirements.ts';
import { goPanel } from './go.ts';
import { javaPanel } from './java.ts';
import type { Panel } from './judge.ts';
import { keytoolPanel } from './keytool.ts';
import { nodePanel } from './node.ts';
import { openSslPanel } from './openssl.ts';
import { pythonPanel } from './python.ts';
import { rustPanel } from './rust.ts';

/** A panel that is there when its tools are. */
export interface PanelEntry {
  readonly title: string;
  readonly needs: readonly ToolName[];
  /** False: all of it judges by the clock of the machine, and `atSeconds` is not for it. */
  readonly takesTime: boolean;
  readonly open: (env: Environment) => Promise<Panel>;
}

/** Every panel, in the order in which pages list them. */
export const panelEntries: readonly PanelEntry[] = [
  { title: 'OpenSSL', needs: ['openssl'], takesTime: true, open: async () => openSslPanel() },
  { title: 'Go', needs: ['go'], takesTime: true, open: goPanel },
  { title: 'Node', needs: [], takesTime: false, open: async () => nodePanel() },
  { title: 'Python', needs: ['python'], takesTime: true, open: pythonPanel },
  { title: 'Rust', needs: ['cargo'], takesTime: true, open: rustPanel },
  { title: 'Java', needs: ['java', 'maven'], takesTime: true, open: javaPanel },
  { title: 'keytool', needs: ['java', 'openssl'], takesTime: false, open: async () => keytoolPanel() },
];

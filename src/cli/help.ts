import { Help, type Command } from 'commander';
import { exitCodesHelp } from './exit-codes.ts';

/** A command that does something by itself as it stands, and what that is. */
type Example = readonly [command: string, what: string];

/** Of each command, by its words. */
const examples: Readonly<Record<string, readonly Example[]>> = {
  mtlsd: [
    ['mtlsd run examples/shop --out .mtlsd', 'try it on this machine'],
    ['mtlsd status', 'what it has issued, and what is wrong'],
    ['mtlsd rotate root --dry-run --out .mtlsd', 'what a new root would mean'],
  ],
  'mtlsd run': [
    ['mtlsd run examples/shop --out .mtlsd', 'until Ctrl-C'],
    ['mtlsd run manifests --out /srv/mtlsd --once', 'for a script'],
  ],
  'mtlsd controller': [['mtlsd controller --context kind-dev --metrics-listen :9464', 'from a laptop, for development; the chart runs it in a cluster']],
  'mtlsd status': [
    ['mtlsd status --out .mtlsd', 'of mtlsd run'],
    ['mtlsd status --context prod --watch', 'of a cluster, until Ctrl-C'],
  ],
  'mtlsd inject': [['mtlsd inject -f shop.yaml | kubectl apply -f -', 'all of it or nothing']],
  'mtlsd explain': [
    ['mtlsd explain pod cart-0 -n shop', 'a pod that is there'],
    ['mtlsd explain pod -f shop.yaml', 'one that is still to be made'],
  ],
  'mtlsd inspect': [
    ['mtlsd inspect tls.crt', 'a file'],
    ['mtlsd inspect tls://cart.shop.svc:8443', 'what a server presents'],
    ['kubectl get secret cart-mtls -o json | jq -r \'.data["tls.crt"]\' | base64 -d | mtlsd inspect -', 'a Secret'],
  ],
  'mtlsd verify': [
    ['mtlsd verify --bundle ca.crt --trust-domain shop.example tls.crt', 'would a peer accept it'],
    ['mtlsd verify --bundle ca.crt --spiffe-id spiffe://shop.example/ns/shop/sa/cart tls://localhost:8443', 'is it who it should be'],
  ],
  'mtlsd rotate root': [
    ['mtlsd rotate root --trust-domain shop.example --dry-run', 'look ahead'],
    ['mtlsd rotate root --trust-domain shop.example --name spring --wait', 'do it, and watch'],
    ['mtlsd rotate root --trust-domain shop.example --emergency --dry-run', 'a drill for a stolen key'],
  ],
  'mtlsd rotate issuing': [['mtlsd rotate issuing --trust-domain shop.example --approve Canary', 'wait for a person after the canary']],
  'mtlsd rotate wait': [['mtlsd rotate wait spring', 'follow it again']],
  'mtlsd rotate approve': [['mtlsd rotate approve spring Canary', 'let it through']],
  'mtlsd rotate exempt': [["mtlsd rotate exempt Pod/shop/till-0 spring --reason 'it is scrapped tonight' --until 24h", 'go on without it']],
  'mtlsd rotate receipt': [['mtlsd rotate receipt spring --output json > spring.json', 'for the auditor']],
  'mtlsd receipt verify': [['mtlsd receipt verify spring.json --key audit-keys.pem', 'by a key that you kept']],
  'mtlsd audit verify': [
    ['mtlsd audit verify --out .mtlsd', 'of mtlsd run'],
    ['mtlsd audit verify --context prod --key audit-keys.pem replica-0.jsonl replica-1.jsonl', 'of a cluster'],
  ],
  'mtlsd svid fetch': [['mtlsd svid fetch --api https://mtlsd-api.mtlsd-system.svc:8443 --ca-file ca.crt --token-file token --out svid --watch', 'keep a folder fresh']],
  'mtlsd token verify': [['mtlsd token verify --config gateway.yaml token', 'why is it refused']],
  'mtlsd gateway': [['mtlsd gateway --config gateway.yaml --identity /var/run/secrets/mtlsd', 'in a pod with an identity']],
};

/** The words of a command: `mtlsd rotate root`. */
function wordsOf(command: Command): string {
  return command.parent === null ? command.name() : `${wordsOf(command.parent)} ${command.name()}`;
}

/** Says in the help of a command which options it cannot do without, what it is good for, and what its exit status means. */
export function completeHelp(command: Command): void {
  const usual = new Help();
  command.configureHelp({ optionDescription: (option) => `${usual.optionDescription(option)}${option.mandatory ? ' (required)' : ''}` });
  const own = examples[wordsOf(command)] ?? [];
  const lines = own.map(([line, what]) => `  # ${what}\n  ${line}\n`).join('');
  command.addHelpText('after', `${own.length === 0 ? '' : `\nExamples:\n${lines}`}${exitCodesHelp}`);
}

import type { BlobStore } from '#platform/blob-store';
import type { FileRow, FileStore, FolderRow } from './store.js';

const DAY_MS = 24 * 3600 * 1000;

/** folder → file → content; each tenant's own. */
const CONTENTS: Record<string, { owner: string; folders: Record<string, Record<string, string>> }> = {
  acme: {
    owner: 'usr_alice',
    folders: {
      'Shipments 2026': {
        'manifest-rotterdam-0412.csv':
          'container,weight_kg,seal\nMSKU7301124,18240,A-5521\nTGHU4410980,20115,A-5522\nMSCU9012233,9870,A-5523\n',
        'manifest-gdansk-0419.csv': 'container,weight_kg,seal\nCAXU8123000,14420,B-0091\nTEMU5598112,21008,B-0092\n',
        'delay-notice-felixstowe.md':
          '# Delay at Felixstowe\n\nCrane 4 is out of service until Thursday. Two sailings move to berth 9; expect +14 h.\n',
        'carrier-rates-q2.csv':
          'lane,carrier,eur_per_teu\nNLRTM-GBFXT,Norfolk Line,412\nPLGDN-SEGOT,Baltica,388\nDEHAM-NOOSL,Fjord Sea,455\n',
      },
      Contracts: {
        'baltica-frame-agreement.md':
          '# Frame agreement with Baltica\n\nTerm: 24 months. Notice: 90 days. Price review every two quarters.\n',
        'insurance-certificate.txt':
          'Certificate of cargo insurance\nInsured: Acme Logistics\nCover: all risks, 2,000,000 EUR per sailing\n',
        'warehouse-lease-unit-7.md': '# Lease, unit 7\n\n4,200 m², two loading docks, option on unit 8 until December.\n',
      },
      Reports: {
        'on-time-2026-03.json': '{"month":"2026-03","sailings":148,"onTime":131,"meanDelayHours":3.4}\n',
        'on-time-2026-04.json': '{"month":"2026-04","sailings":152,"onTime":139,"meanDelayHours":2.7}\n',
        'fuel-by-route.csv': 'route,litres,co2_t\nRotterdam-Felixstowe,18200,48.9\nGdansk-Gothenburg,15110,40.6\nHamburg-Oslo,22040,59.2\n',
        'board-summary-april.md':
          '# April\n\n- On time: 91.4 %\n- Claims: 3, all below 5,000 EUR\n- New lane Gdansk–Gothenburg is profitable since week 15\n',
      },
    },
  },
  globex: {
    owner: 'usr_bob',
    folders: {
      'Wind park Nordsee': {
        'turbine-07-vibration.csv': 'minute,mm_s\n0,2.1\n10,2.2\n20,4.9\n30,5.3\n40,2.4\n',
        'maintenance-plan.md': '# Maintenance\n\nTurbines 5 to 9 in the calm window of June. Spare bearings are in Cuxhaven.\n',
        'yield-2026-04.json': '{"park":"Nordsee","mwh":18422,"availability":0.973}\n',
        'crew-transfer-rota.txt': 'Mon Vogel, Zielinski\nTue Okafor, Brandt\nWed Vogel, Brandt\n',
      },
      Permits: {
        'grid-connection-stage-2.md': '# Grid connection, stage 2\n\nSubmitted 12 March. The operator asks for a new harmonic study.\n',
        'noise-survey.csv': 'site,db_day,db_night\nN1,38.2,34.9\nN2,39.0,35.4\nN3,41.3,36.8\n',
      },
    },
  },
  umbra: {
    owner: 'usr_umbra_claire',
    folders: {
      Restoration: {
        'reel-1931-inventory.csv': 'reel,title,state\n1,La Riviere,shrunk 1.2 %\n2,La Riviere,vinegar odour\n3,Les Toits,good\n',
        'scan-settings.json': '{"resolution":"4K","bitDepth":16,"wetGate":true,"framesPerSecond":18}\n',
        'colour-notes-les-toits.md':
          '# Les Toits\n\nTints by scene: amber for lamps, blue for the roofs at night. Reference print is in Bologna.\n',
      },
      Loans: {
        'loan-request-lyon.md': '# Loan to Lyon\n\n35 mm print of Les Toits, 14 to 17 September, two projections, courier included.\n',
        'condition-report.txt': 'Print: Les Toits, 35 mm\nSplices: 41\nPerforation damage: reel 2, first 3 m\n',
      },
    },
  },
  tidewater: {
    owner: 'usr_tide_grace',
    folders: {
      Clinic: {
        'opening-hours.md': '# Opening hours\n\nMon to Fri 8:00–18:00, Sat 9:00–12:00. Flu shots without appointment in October.\n',
        'supplies.csv': 'item,stock,reorder_at\ngloves M,42,20\nsaline 500 ml,11,15\nbandage 6 cm,88,30\n',
        'cold-chain-log.csv': 'hour,celsius\n0,4.1\n6,4.0\n12,4.6\n18,4.2\n',
      },
    },
  },
};

const MEDIA_TYPES: Record<string, string> = { csv: 'text/csv', md: 'text/markdown', json: 'application/json', txt: 'text/plain' };

/** Demo folders and files for the tenants of the tenants service. A store that holds any file is left alone. */
export async function seedFiles(store: FileStore, blobs: BlobStore, nowMs: number): Promise<void> {
  if (!(await store.isEmpty())) return;
  const folders: FolderRow[] = [];
  const files: FileRow[] = [];
  for (const [tenant, { owner, folders: content }] of Object.entries(CONTENTS)) {
    for (const [folder, entries] of Object.entries(content)) {
      const folderId = `fld_${tenant}_${folders.length + 1}`;
      folders.push({
        id: folderId,
        tenantId: `ten_${tenant}`,
        parentId: null,
        name: folder,
        createdAt: new Date(nowMs - (120 - folders.length) * DAY_MS).toISOString(),
      });
      for (const [name, text] of Object.entries(entries)) {
        const id = `fil_${tenant}_${files.length + 1}`;
        const at = new Date(nowMs - (60 - files.length) * DAY_MS).toISOString();
        const bytes = Buffer.from(text);
        files.push({
          id,
          tenantId: `ten_${tenant}`,
          ownerId: owner,
          folderId,
          name,
          mediaType: MEDIA_TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream',
          size: bytes.length,
          sha256: await blobs.put(bytes, id),
          createdAt: at,
          updatedAt: at,
        });
      }
    }
  }
  await store.seed(folders, files);
}
